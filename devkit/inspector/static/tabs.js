// The sections of a receipt as tabs. Where there is room, the timeline is beside the tabs and not one of them.

const isWide = matchMedia("(min-width: 100rem)");
const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

const chosenIn = (pane) => pane.querySelector("[role=tab][aria-selected=true]")?.dataset.tab;

// Make the tabs of the receipt in a pane, also anew. chosen: the one that is open at first.
export function makeTabs(pane, chosen) {
  const tabs = pane.querySelector("[data-tabs]");
  if (!tabs) return;
  tabs.querySelector(":scope > .tab-list")?.remove();
  tabs.classList.add("on");
  tabs.classList.toggle("beside", isWide.matches);
  const sections = [...tabs.querySelectorAll(":scope > section")];
  const bar = document.createElement("div");
  bar.className = "tab-list";
  bar.setAttribute("role", "tablist");
  bar.setAttribute("aria-label", "About the receipt");
  const panels = sections.filter((section) => !isBeside(section));
  for (const section of sections) describe(section);
  for (const section of panels) bar.append(makeTab(section, () => choose(section.id, true)));

  function choose(id, focus) {
    if (!panels.some((section) => section.id === id)) return false;
    for (const section of panels) {
      const tab = bar.querySelector(`[data-tab="${section.id}"]`);
      const on = section.id === id;
      section.hidden = !on;
      tab.setAttribute("aria-selected", on);
      tab.tabIndex = on ? 0 : -1;
      if (on && focus) tab.focus();
    }
    return true;
  }

  bar.onkeydown = (event) => {
    const at = panels.findIndex((section) => !section.hidden);
    const next = { Home: 0, End: -1 }[event.key] ?? (at + STEPS[event.key]) % panels.length;
    if (Number.isNaN(next)) return;
    event.preventDefault();
    choose(panels.at(next).id, true);
  };
  tabs.prepend(bar);
  tabs.choose = choose;
  tabs.chooseNumber = (number) => sections[number - 1] && choose(sections[number - 1].id, true);
  if (!choose(chosen)) choose(panels[0].id);
}

const isBeside = (section) => isWide.matches && section.id === "timeline";

function describe(section) {
  const isPanel = !isBeside(section);
  section.hidden = false;
  if (isPanel) section.setAttribute("role", "tabpanel");
  else section.removeAttribute("role");
  section.setAttribute("aria-label", section.querySelector("h2").textContent);
}

function makeTab(section, act) {
  const tab = document.createElement("button");
  const words = section.querySelector("h2").textContent;
  Object.assign(tab, { type: "button", textContent: words, id: `tab-${section.id}`, onclick: act });
  tab.dataset.tab = section.id;
  tab.setAttribute("role", "tab");
  tab.setAttribute("aria-controls", section.id);
  return tab;
}

// Make the tabs in a pane anew when the window becomes wide or narrow.
export function followWidth(pane) {
  isWide.addEventListener("change", () => makeTabs(pane, chosenIn(pane)));
}
