(0,globalThis.parcelRequire94c2.register)("4tIQN",function(e,t){Object.defineProperty(e.exports,"list",{get:()=>l,set:void 0,enumerable:!0,configurable:!0});let l=()=>console.log("teas")});
//# sourceMappingURL=teas.a063994f.js.map
