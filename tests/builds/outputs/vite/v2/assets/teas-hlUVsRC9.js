var e=()=>console.log(`teas`);export{e as list};
//# sourceMappingURL=teas-hlUVsRC9.js.map