const fill = (thing) => console.log("basket two", thing);

export { fill };
//# sourceMappingURL=basket-DQY4wfU_.js.map
