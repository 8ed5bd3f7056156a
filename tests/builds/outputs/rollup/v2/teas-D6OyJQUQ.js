const list = () => console.log("teas");

export { list };
//# sourceMappingURL=teas-D6OyJQUQ.js.map
