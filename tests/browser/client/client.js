"use strict";

// One handler per documented way to use the client. ?api=… names the server.
const query = new URLSearchParams(location.search);
let session;

function complain(request) {
  request.fail(() => {
    $("#status").text(request.status);
    $("#error").text(request.responseText);
  });
  return request;
}

function on(button, handler) {
  $(button).on("click", () => {
    $("#status, #error").text("");
    complain(handler());
  });
}

function chosenFile() {
  return $("#csv")[0].files[0];
}

function showSeen(lines) {
  $("#seen").text(lines.join("\n"));
}

function showUploaded(uploaded) {
  session = uploaded;
  uploaded.getConsole((text) => $("#uploaded").text(text));
  $("#uploaded-file").attr("href", uploaded.getFileURL(chosenFile().name));
}

on("#call", () => ocpu.call("noted", { text: $("#text").val() }, (made) => {
  $("#key").text(made.getKey());
  $("#location").text(made.getLoc());
  $("#listing").text(made.output.join("\n"));
  made.getObject((value) => $("#object").text(JSON.stringify(value)));
  made.getStdout((text) => $("#stdout").text(text));
  made.getConsole((text) => $("#console").text(text));
  $("#file").attr("href", made.getFileURL("note.txt"));
  made.getFile("note.txt", (text) => $("#content").text(text));
}));

on("#rpc", () => ocpu.rpc("juice", { apples: Number($("#apples").val()) }, (rows) => {
  $("#litres").empty();
  rows.forEach((row) => $("<tr>").append($("<td>").text(row.apples), $("<td>").text(row.litres))
    .appendTo("#litres"));
}));

on("#as-json", () => ocpu.rpc("seen", { value: JSON.parse($("#value").val()) }, showSeen));
on("#as-form", () => ocpu.rpc("seen",
  { value: JSON.parse($("#value").val()), n: new ocpu.Snippet("1 + 1") }, showSeen));
on("#as-part", () => ocpu.rpc("seen",
  { value: JSON.parse($("#value").val()), file: new File(["x"], "x.txt") }, showSeen));

on("#snippet", () => ocpu.call("seen", { value: new ocpu.Snippet($("#code").val()) },
  (made) => made.getObject((lines) => $("#ran").text(lines.join("\n")))));

on("#upload", () => ocpu.call("read.csv",
  { file: chosenFile(), header: $("#header").prop("checked") }, showUploaded));
on("#upload-object", () => ocpu.call("read.csv",
  { file: new ocpu.Upload(chosenFile()), header: $("#header").prop("checked") }, showUploaded));
on("#chain", () => ocpu.call("at_least",
  { rows: session, column: "kg", least: Number($("#least").val()) },
  (made) => made.getObject(".val", { dataframe: "columns" },
    (rows) => $("#chained").text(JSON.stringify(rows)))));

on("#draw", () => $("#plot").rplot("ripening", { days: 12 }, (made) => { session = made; }));
$("#draw-first").on("click", () => $("#second-plot").graphic(session, 1));

on("#fail", () => ocpu.call("spoils", { crate: 7 }));

// The address decides the package, and may hold a user and password: both as in the documentation.
function connect() {
  const name = $("#library").val();
  $("#connected").text("");
  return complain(ocpu.seturl(`${query.get("api")}/library/${name}/R`)
    .done(() => $("#connected").text(name)));
}

$("#library").on("change", connect);
connect();
