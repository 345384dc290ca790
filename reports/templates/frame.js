/* Airflow shows our pages in a frame that may not leave itself: what leads to Airflow's own pages
   is opened by the page around. Without scripts it opens inside the frame. */
const isFramed = window.top !== window.self;
for (const form of isFramed ? document.querySelectorAll('form[method="post"]') : []) {
  const told = document.createElement("input");
  told.type = "hidden";
  told.name = "framed";
  told.value = "1";
  form.append(told);
}
for (const link of document.querySelectorAll("a.leaves")) {
  link.addEventListener("click", (event) => {
    if (isFramed && leave(link.href)) event.preventDefault();
  });
}
for (const link of document.querySelectorAll("a.leaves.now")) {
  if (!isFramed || !leave(link.href)) window.location.replace(link.href);
}
function leave(address) {
  try {
    const around = window.top.document;
    const link = around.createElement("a");
    link.href = address;
    around.body.append(link);
    link.click();
    link.remove();
    return true;
  } catch {
    return false;
  }
}
