"use strict";(self.webpackChunk=self.webpackChunk||[]).push([[887],{887(e,s,c){c.d(s,["find",0,e=>console.log("search",e)])}}]);
//# sourceMappingURL=887-79a474e1e6e32a191a48.chunk.js.map