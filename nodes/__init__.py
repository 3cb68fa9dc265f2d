"""The graph nodes: one dict of them all."""

NODES: dict[str, type] = {}
NODE_CLASS_MAPPINGS = dict(NODES)
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {}
