"""The live server over HTTP and WebSocket. One file per group of routes, each with `router`."""
