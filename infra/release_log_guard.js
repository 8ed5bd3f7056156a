// Refuses the release log at CloudFront's edge, before cache and origin; the bucket's policy refuses it again.
//
// A function sees the path as the viewer wrote it, so `%2Ereleases%2f` has to be decoded here. Once, as S3 does: what is
// encoded twice is another key. What cannot be decoded is no key's URL.
function handler(event) {
  var path;
  try {
    path = decodeURIComponent(event.request.uri);
  } catch (error) {
    return { statusCode: 400, statusDescription: "Bad Request" };
  }
  if (/(^|\/)\.releases\//.test(path)) {
    return { statusCode: 403, statusDescription: "Forbidden" };
  }
  return event.request;
}
