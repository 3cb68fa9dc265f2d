"""The workflow files that come with the pack, and what builds them: `python -m brushwork.workflows.build`."""
