"use strict";

// The client calls ../R unless told otherwise: the page works wherever the package is mounted.

function fill(table, rows, columns) {
  const cells = (row) => columns.map((column) => $("<td>").text(row[column]));
  $(`${table} tbody`).empty().append(rows.map((row) => $("<tr>").append(cells(row))));
}

function chosen() {
  return {
    variety: $("#variety").val() || null,
    from: Number($("#from").val()),
    to: Number($("#to").val()),
  };
}

function show() {
  $("#problem").text("");
  ocpu.rpc("yields", chosen(), (rows) => fill("#rows", rows, ["year", "variety", "kg"]))
    .done(() => $("#plot").rplot("plot_yields", chosen()))
    .fail((request) => $("#problem").text(request.responseText.split("\n")[0]));
}

// One step: the answer to this POST is the value itself. The argument is the session of the upload.
function addUp(uploaded) {
  $("#result").attr("href", `${uploaded.getLoc()}R/.val/csv`).prop("hidden", false);
  $.post("../R/totals/json", { rows: uploaded.getKey() },
    (rows) => fill("#totals", rows, ["variety", "kg"]));
}

$("#choice").on("submit", (event) => {
  event.preventDefault();
  show();
});

$("#own").on("submit", (event) => {
  event.preventDefault();
  $("#own-problem").text("");
  ocpu.call("read_yields", { file: $("#csv")[0].files[0] }, addUp)
    .fail((request) => $("#own-problem").text(request.responseText.split("\n")[0]));
});

$.getJSON("../data/harvest/json", (rows) => {
  const varieties = [...new Set(rows.map((row) => row.variety))];
  $("#variety").append(varieties.map((name) => $("<option>").text(name)));
  show();
});
