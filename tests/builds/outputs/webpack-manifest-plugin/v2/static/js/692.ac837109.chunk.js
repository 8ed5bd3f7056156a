"use strict";(self.webpackChunk=self.webpackChunk||[]).push([[692],{692(e,s,l){l.d(s,["fill",0,e=>console.log("basket two",e)])}}]);
//# sourceMappingURL=692.ac837109.chunk.js.map