import { Component } from "@angular/core";
import { bootstrapApplication } from "@angular/platform-browser";

@Component({ selector: "app-root", template: "<h1>Teas</h1>" })
class App {
  constructor() {
    import("./shop/basket.js").then(({ fill }) => fill("tea"));
    import("./shop/search.js").then(({ find }) => find("tea"));
    import("./shop/cart/index.js").then(({ total }) => total());
    import("./shop/teas/index.js").then(({ list }) => list());
  }
}

bootstrapApplication(App);
