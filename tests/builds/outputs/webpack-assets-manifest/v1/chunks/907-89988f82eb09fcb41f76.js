"use strict";(self.webpackChunk=self.webpackChunk||[]).push([[907],{907(e,s,l){l.d(s,["fill",0,e=>console.log("basket one",e)])}}]);
//# sourceMappingURL=907-89988f82eb09fcb41f76.js.map