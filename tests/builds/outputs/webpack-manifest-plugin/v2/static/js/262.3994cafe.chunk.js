"use strict";(self.webpackChunk=self.webpackChunk||[]).push([[262],{262(e,s,c){c.d(s,["find",0,e=>console.log("search",e)])}}]);
//# sourceMappingURL=262.3994cafe.chunk.js.map