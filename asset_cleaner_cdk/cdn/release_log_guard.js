// Refuses the release log at CloudFront's edge, before cache and origin; the bucket's policy refuses it again.
//
// A function gets the path as the viewer wrote it, so it has to decode `%2Ereleases%2f` itself. It decodes once, as S3
// does: a path that is encoded twice is another key. A path that cannot be decoded is not the URL of any key.
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
