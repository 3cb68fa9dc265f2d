# `make demo` and `make test` do everything from a fresh clone: own environment, install, run.
.PHONY: demo test check format release clean

PYTHON ?= python3
BIN := .venv/bin
# A folder of weights beside the checkout is looked at as well, so that several clones share their downloads.
export BRUSHWORK_WEIGHTS ?= $(wildcard ../shared/weights)

demo: $(BIN)/.installed
	$(BIN)/python -m brushwork demo out

test: check
	$(BIN)/pytest

check: $(BIN)/.installed
	mkdir -p .typing && ln -sfn .. .typing/brushwork
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright

format: $(BIN)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(BIN)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

# What `comfy node publish` would send: files that git knows, without those in .comfyignore.
release:
	mkdir -p dist
	git archive --format=zip --output dist/brushwork.zip HEAD $$(git ls-files -ciX .comfyignore | sed 's/^/:!/')

clean:
	rm -rf .venv .typing .pytest_cache .ruff_cache build dist out *.egg-info
