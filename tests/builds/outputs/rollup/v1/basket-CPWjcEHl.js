const fill = (thing) => console.log("basket one", thing);

export { fill };
//# sourceMappingURL=basket-CPWjcEHl.js.map
