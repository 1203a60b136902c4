# The registry of formats, and the outputs of a call in them.

formats <- list(
  print = render_print, text = render_text, ascii = render_ascii, md = render_md,
  json = render_json, ndjson = render_ndjson, csv = render_csv, tab = render_tab,
  rds = render_rds, rda = render_rda, pb = render_pb, bin = render_bin,
  spss = haven_writer(function() haven::write_sav, ".sav", "application/spss-sav"),
  sas = haven_writer(function() haven::write_sas, ".sas7bdat", "application/sas7bdat"),
  stata = haven_writer(function() haven::write_dta, ".dta", "application/stata-dta"),
  feather = arrow_writer("feather"), arrowipc = arrow_writer("arrowipc"),
  parquet = arrow_writer("parquet"),
  png = function(object, name, options) draw(function() show_drawing(object), "png", name, options),
  svg = function(object, name, options) draw(function() show_drawing(object), "svg", name, options),
  svglite = function(object, name, options) draw(function() show_drawing(object), "svglite", name, options),
  pdf = function(object, name, options) draw(function() show_drawing(object), "pdf", name, options)
)

drawing_formats <- c("png", "svg", "svglite", "pdf")

# The formats of a call's outputs: `.val` in an object format, or the last plot.
render_outputs <- function(outputs, frame, outcome) {
  bodies <- list()
  for (output in outputs) {
    bodies[[output$label]] <- tryCatch(
      render_output(output, frame, outcome),
      error = function(e) list(error = error_text(e), kind = e$kind)
    )
  }
  bodies
}

render_output <- function(output, frame, outcome) {
  if (output$format == "exact") return(list(exact = get(".val", frame)))
  if (output$format == "console") {
    texts <- as.character(lapply(outcome$output, console_text))
    return(as_text(paste(clean(texts), collapse = "\n")))
  }
  if (output$format %in% drawing_formats) {
    plots <- Filter(is_plot, outcome$output)
    if (!length(plots)) refuse("Function call did not generate any graphics", "no_graphics")
    return(draw_plot(plots[[length(plots)]], output$format, "output", output$options))
  }
  render(get(".val", frame), "object", output$format, output$options, home = getwd())
}
