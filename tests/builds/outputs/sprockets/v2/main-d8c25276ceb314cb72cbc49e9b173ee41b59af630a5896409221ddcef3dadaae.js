import "./app.css";
import logo from "./logo.svg";

document.body.append(Object.assign(new Image(), { src: logo }));
import("./basket.js").then(({ fill }) => fill("tea"));
import("./search.js").then(({ find }) => find("tea"));
import("./cart/index.js").then(({ total }) => total());
import("./teas/index.js").then(({ list }) => list());
