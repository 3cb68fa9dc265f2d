// A dialog of thumbnails to choose from; it belongs to no node.

const STYLE = `
.brushwork-chooser { width: min(680px, 90vw); max-height: 80vh; padding: 16px; border: 1px solid var(--border-color, #4e4e4e);
  border-radius: 8px; background: var(--comfy-menu-bg, #353535); color: var(--input-text, #ddd); }
.brushwork-chooser::backdrop { background: rgb(0 0 0 / 50%); }
.brushwork-chooser div { display: grid; grid-template-columns: repeat(auto-fill, minmax(112px, 1fr)); gap: 8px; }
.brushwork-chooser button { display: flex; flex-direction: column; align-items: center; gap: 4px; padding: 6px;
  border: 2px solid transparent; border-radius: 6px; background: none; color: inherit; font: 12px sans-serif; cursor: pointer; }
.brushwork-chooser button:hover, .brushwork-chooser button:focus-visible { background: var(--comfy-input-bg, #222); }
.brushwork-chooser button[aria-pressed=true] { border-color: var(--p-primary-color, #60a5fa); }
.brushwork-chooser :is(img, i) { width: 96px; height: 96px; border-radius: 4px; }
.brushwork-chooser i { background: var(--comfy-input-bg, #222); }`;

/** Show `names`, each with its picture (a URL, or null), and call `done` with the one that is clicked. */
export function choose(names, chosen, picture, done) {
  const dialog = element("dialog", { className: "brushwork-chooser" }, element("style", { textContent: STYLE }));
  const pick = (name) => { dialog.close(); done(name); };
  dialog.append(element("div", {}, ...names.map((name) => entry(name, name === chosen, picture(name), pick))));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("keydown", (event) => event.stopPropagation()); // no shortcut of the page's meanwhile
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector("[aria-pressed=true]")?.focus();
}

function entry(name, pressed, url, pick) {
  const picture = url ? element("img", { src: url, alt: "" }) : element("i");
  const button = element("button", { type: "button", onclick: () => pick(name) }, picture, name);
  button.setAttribute("aria-pressed", pressed);
  return button;
}

function element(kind, properties = {}, ...children) {
  const made = Object.assign(document.createElement(kind), properties);
  made.append(...children);
  return made;
}
