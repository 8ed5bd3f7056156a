"use strict";(self.webpackChunk=self.webpackChunk||[]).push([[692],{692(e,s,l){l.d(s,["fill",0,e=>console.log("basket one",e)])}}]);
//# sourceMappingURL=692.20832029.chunk.js.map