"""Run a workflow without ComfyUI."""
