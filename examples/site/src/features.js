export const release = 1;

export const features = [
  { id: "search", label: "Search", icon: "search", load: () => import("./search/search.js") },
  { id: "charts", label: "Harvest", icon: "chart", load: () => import("./charts/charts.js") },
  { id: "newsletter", label: "Letters", icon: "mail", load: () => import("./newsletter/newsletter.js") },
];
