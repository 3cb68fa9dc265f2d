"""Run a workflow without ComfyUI, from Python or from the command line."""
