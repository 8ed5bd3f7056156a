export const fill = (thing) => console.log("basket two", thing);
