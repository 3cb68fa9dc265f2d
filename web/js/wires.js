// Colours for the wires of networks and features, in classic nodes and in Vue's; where the page lacks what is used here,
// they stay grey.

const COLOURS = { BRUSHWORK_NETWORK: "#d9a441", BRUSHWORK_FEATURES: "#d9704f" };

async function start() {
  const { app } = await import("../../../scripts/app.js");
  app.registerExtension({
    name: "brushwork.wires",
    setup() {
      const canvas = app.canvas;
      for (const [type, colour] of Object.entries(COLOURS)) {
        for (const table of [canvas.constructor.link_type_colors, canvas.default_connection_color_byType]) {
          // A palette that is chosen later clears the colours of types that it does not know.
          if (table) Object.defineProperty(table, type, { get: () => colour, set() {}, enumerable: true, configurable: true });
        }
        document.documentElement.style.setProperty(`--color-datatype-${type}`, colour);
      }
    },
  });
}

await start().catch(() => {});
