"""Builds workflows, help pictures, thumbnails and a drawing of the rooms; not shipped."""
