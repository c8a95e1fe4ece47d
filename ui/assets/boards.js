// Uploading whole folders: their files come to the server by their last names alone (ui/documents_page.py).
(() => {
  "use strict";

  document.addEventListener(
    "change",
    (event) => {
      if (!event.target.matches?.("#folder input[type=file]")) return;
      window.graftFolderPaths = [...event.target.files].map((file) => file.webkitRelativePath || file.name);
    },
    true,
  );
})();
