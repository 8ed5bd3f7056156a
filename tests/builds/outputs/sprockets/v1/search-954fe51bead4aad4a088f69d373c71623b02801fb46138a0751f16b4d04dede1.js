export const find = (thing) => console.log("search", thing);
