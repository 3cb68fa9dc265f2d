"""Pictures, videos, charts and sheets: read and written in one place."""
