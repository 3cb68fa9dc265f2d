"""The workflow files that come with the pack, and what builds them: `python -m brushwork.workflows.build`.

So for the pictures below `web/`: `.thumbnails` of what there is to choose, `.help_pictures` of what inputs change.
"""
