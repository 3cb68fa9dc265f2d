// The notes, groups and titles of our templates in the page's language: by lines, from words/LANGUAGE.json. Other graphs
// are left alone, and so is every line that somebody has changed.

async function start() {
  const { app } = await import("../../../scripts/app.js");
  const words = new Map(); // of each language, as it is asked for
  const known = (language) => {
    if (!words.has(language)) words.set(language, fetched(language));
    return words.get(language);
  };
  app.registerExtension({
    name: "brushwork.words",
    async beforeConfigureGraph(graph) {
      const language = app.ui?.settings?.getSettingValue?.("Comfy.Locale");
      if (!graph?.extra?.brushwork || language !== "zh") return;
      const dictionary = await known(language);
      const said = (text) => String(text).split("\n").map((line) => dictionary[line] ?? line).join("\n");
      for (const group of graph.groups ?? []) group.title = said(group.title);
      for (const node of graph.nodes ?? []) {
        if (node.title) node.title = said(node.title);
        if (node.type === "MarkdownNote") node.widgets_values = node.widgets_values.map(said);
      }
    },
  });
}

async function fetched(language) {
  const answer = await fetch(new URL(`../words/${language}.json`, import.meta.url)).catch(() => null);
  return answer?.ok ? answer.json() : {};
}

await start().catch(() => {});
