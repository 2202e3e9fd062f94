/**
 * The service worker: the page opens without a network, too. It keeps the page itself and its files, nothing else; what
 * is on the board is kept by the client, in IndexedDB.
 *
 * With a network nothing is different: the page is asked for anew each time, and only when no answer comes the kept one
 * is shown. Files have the hash of their contents in their name, so a kept one is always the right one.
 */
const KEPT = "playground-VERSION";
const FILES = ["/", ...["FILES"]];

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(FILES)));
});

self.addEventListener("activate", (event) => {
  const tidy = async () => {
    // Others on this origin have theirs.
    const former = (await caches.keys()).filter((name) => name.startsWith("playground-") && name !== KEPT);
    for (const name of former) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (pathname === "/") event.respondWith(newestPage(request));
  else if (FILES.includes(pathname)) event.respondWith(keptFile(request));
});

/** How a page asks makes no difference to what it is sent. */
const HOW = { ignoreVary: true, ignoreSearch: true };

async function newestPage(request) {
  const cache = await caches.open(KEPT);
  try {
    const answer = await fetch(request);
    // With the nodes of the cluster as they are now.
    if (answer.ok) await cache.put("/", answer.clone());
    return answer;
  } catch (error) {
    const kept = await cache.match("/", HOW);
    if (kept === undefined) throw error;
    return kept;
  }
}

async function keptFile(request) {
  const cache = await caches.open(KEPT);
  return (await cache.match(request, HOW)) ?? fetch(request);
}
