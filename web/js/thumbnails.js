// Thumbnails on the nodes that choose a sample picture or a style of the bank. They are drawn below the lists and change
// nothing that is saved or queued; where the page lacks what is used here, the lists stay as they are.

import { choose } from "./chooser.js";

const FOLDER = new URL("../thumbs/", import.meta.url);
const LISTS = {
  BrushworkSamplePicture: ["samples", "name"],
  BrushworkPaintedStyle: ["styles", "style", "second_style"],
  BrushworkStyleBankFilter: ["styles", "style"],
  BrushworkStyleBankMix: ["styles", "style_1", "style_2", "style_3", "style_4"],
};
const HEIGHT = 84, SMALL = 48, GAP = 8, MARGIN = 15, ROUND = 4;

const PREVIEWS = "/experiment/models/preview/brushwork/0/stylebank"; // core's, of the first folder under models/brushwork
const learns = (node) => node.comfyClass === "BrushworkLearnStyle" && node.mode === 0;

async function start() {
  const { app } = await import("../../../scripts/app.js");
  const { api } = await import("../../../scripts/api.js");
  const known = await (await fetch(new URL("index.json", FOLDER))).json();
  // The page serves the picture beside a learnt style's file; where there is none the place stays empty.
  const learnt = (name) => new URL(api.apiURL(`${PREVIEWS}/${encodeURIComponent(name)}.safetensors`), location.href);
  const url = (set, name) =>
    known[set].includes(name) ? new URL(`${set}/${name.replaceAll(" ", "_")}.jpg`, FOLDER)
      : set === "styles" && name !== "none" ? learnt(name) : null;
  app.registerExtension({
    name: "brushwork.thumbnails",
    nodeCreated(node) {
      const [set, ...names] = LISTS[node.comfyClass] ?? [];
      const lists = names.map((name) => node.widgets?.find((widget) => widget.name === name)).filter(Boolean);
      if (lists.length) node.addCustomWidget(strip(node, lists, (name) => url(set, name)));
    },
  });
  // A style that was learnt is in all lists at once.
  for (const end of ["execution_success", "execution_interrupted"]) {
    api.addEventListener(end, () => app.graph?.nodes?.some(learns) && app.refreshComboInNodes?.());
  }
}

/** A widget that shows what each of `lists` has chosen; a click on it opens all there is. */
function strip(node, lists, url) {
  const images = new Map();
  const redraw = () => { widget.triggerDraw?.(); node.setDirtyCanvas?.(true, true); };
  const image = (name) => {
    const source = url(name)?.href;
    if (!images.has(source)) images.set(source, source && Object.assign(new Image(), { src: source, onload: redraw }));
    return images.get(source);
  };
  const widget = {
    type: "custom", name: "thumbnails", value: null, serialize: false, options: { serialize: false },
    computeSize: (width) => [width ?? 0, height(lists.length)],
    draw(context, _node, width, y) {
      for (const [index, place] of places(width, y, lists.length).entries()) drawn(context, image(lists[index].value), place);
    },
    onPointerDown(pointer, owner, canvas) {
      const x = canvas.graph_mouse[0] - owner.pos[0];
      const index = places(owner.size[0], 0, lists.length).findIndex(([left, , side]) => x >= left && x <= left + side);
      if (index >= 0) pointer.onClick = () => open(canvas, owner, lists[index], url, redraw);
      return index >= 0;
    },
  };
  for (const list of lists) after(list, redraw);
  return widget;
}

const height = (count) => (count > 1 ? SMALL : HEIGHT);

/** Left, top and side of each square, centred in a row. */
function places(width, y, count) {
  const side = Math.min(height(count), (width - 2 * MARGIN - (count - 1) * GAP) / count);
  const left = (width - count * side - (count - 1) * GAP) / 2;
  return Array.from({ length: count }, (_, index) => [left + index * (side + GAP), y + (height(count) - side) / 2, side]);
}

function drawn(context, image, [left, top, side]) {
  context.save();
  context.beginPath();
  context.roundRect(left, top, side, side, ROUND);
  context.clip();
  context.fillStyle = "rgb(0 0 0 / 25%)";
  context.fillRect(left, top, side, side);
  if (image?.complete && image.naturalWidth) context.drawImage(image, left, top, side, side);
  context.restore();
}

function open(canvas, node, list, url, redraw) {
  const values = list.options?.values ?? [];
  const names = typeof values === "function" ? values(list, node) : values;
  choose(names, list.value, url, (name) => {
    if (list.setValue) list.setValue(name, { node, canvas });
    else { list.value = name; list.callback?.(name); }
    redraw();
  });
}

/** Have `then` called after the list's own callback. */
function after(list, then) {
  const { callback } = list;
  list.callback = function (...values) {
    const result = callback?.apply(this, values);
    then();
    return result;
  };
}

await start().catch(() => {});
