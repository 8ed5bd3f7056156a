import "./home.css";
import { element, fill, icon } from "./dom.js";
import { features, release } from "./features.js";
import { card, teas } from "./teas.js";

const stage = document.querySelector("#stage");

/** Shows the feature named in the address (`#search`); its module is loaded only now. */
async function show() {
  const feature = features.find(({ id }) => `#${id}` === location.hash);
  for (const link of document.querySelectorAll("#features a")) {
    link.classList.toggle("current", link.hash === location.hash);
  }
  stage.hidden = !feature;
  delete stage.dataset.feature;
  delete stage.dataset.error;
  if (!feature) return;
  try {
    const { mount } = await feature.load();
    mount(stage);
    stage.dataset.feature = feature.id;
  } catch (error) {
    // What a visitor sees when the files of the release that this page belongs to are gone.
    stage.dataset.error = String(error);
    fill(stage, element("p", { className: "notice" }, `Could not load “${feature.label}”. Please reload the page.`));
  }
}

document.documentElement.dataset.release = release;
document.querySelector("#release").textContent = `Release ${release}`;
fill(
  document.querySelector("#features"),
  ...features.map(({ id, label, icon: name }) => element("a", { href: `#${id}` }, icon(name), label)),
);
fill(document.querySelector("#shelf"), ...teas.map((tea) => card(tea)));
addEventListener("hashchange", show);
show();
