const find = (thing) => console.log("search", thing);

export { find };
//# sourceMappingURL=search-S-TpQPGY.js.map
