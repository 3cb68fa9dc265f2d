"""The pack as ComfyUI loads it: from a folder of any name, under a module name that is a path."""

import os
import subprocess
import sys
from pathlib import Path

import brushwork
from brushwork.nodes import NODES

ROOT = Path(__file__).parents[2]
LOADER = """
import importlib.util, os, sys, types
foreign = sys.modules["nodes"] = types.ModuleType("nodes")
path = sys.argv[1]
search = list(sys.path)
name = path.replace(".", "_x_")
spec = importlib.util.spec_from_file_location(name, os.path.join(path, "__init__.py"))
module = importlib.util.module_from_spec(spec)
sys.modules[name] = module
spec.loader.exec_module(module)
assert sys.modules["nodes"] is foreign and vars(foreign).get("NODES") is None
assert sys.path == search
assert "brushwork" not in sys.modules
node = module.NODE_CLASS_MAPPINGS["BrushworkTextureNoise"]
assert node.__module__ == name + ".nodes.pictures", node.__module__
assert node().run(width=3, height=2)[0].shape == (1, 2, 3, 3)
assert os.path.isdir(os.path.join(path, module.WEB_DIRECTORY))
print(*sorted(module.NODE_CLASS_MAPPINGS), sep="\\n")
"""


def test_root_exports_what_comfyui_reads() -> None:
    assert NODES == brushwork.NODE_CLASS_MAPPINGS
    assert {name: node.TITLE for name, node in NODES.items()} == brushwork.NODE_DISPLAY_NAME_MAPPINGS
    assert (ROOT / brushwork.WEB_DIRECTORY).is_dir()
    assert not hasattr(brushwork, "comfy_entrypoint")  # never looked at beside NODE_CLASS_MAPPINGS


def test_loads_from_a_folder_of_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "custom_nodes" / "My Brush-work.v2"
    folder.parent.mkdir()
    folder.symlink_to(ROOT, target_is_directory=True)
    # Outside the checkout, and without the paths by which this test found the package.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-c", LOADER, str(folder)]
    loaded = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.split() == sorted(NODES)
