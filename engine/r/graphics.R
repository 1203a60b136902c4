# Drawing: recorded plots replayed, or objects printed, onto a device that writes a file.

show_drawing <- function(object) {
  if (is_plot(object)) {
    grDevices::replayPlot(object)
  } else if (is.function(object) || inherits(object, c("ggplot", "trellis"))) {
    print(object)
  } else {
    print_or_show(object)
  }
}

draw_plot <- function(plot, format, name, options) {
  draw(function() grDevices::replayPlot(plot), format, name, read_options(options))
}

devices <- list(
  png = function(path, width = 800, height = 600, pointsize = 12, ...) {
    grDevices::png(path, type = "cairo", width = as.numeric(width), height = as.numeric(height),
                   pointsize = as.numeric(pointsize), ...)
  },
  svg = function(path, width = 11.69, height = 8.27, pointsize = 12, ...) {
    grDevices::svg(path, width = as.numeric(width), height = as.numeric(height),
                   pointsize = as.numeric(pointsize), ...)
  },
  svglite = function(path, width = 11.69, height = 8.27, pointsize = 12, ...) {
    svglite::svglite(path, width = as.numeric(width), height = as.numeric(height),
                     pointsize = as.numeric(pointsize), ...)
  },
  pdf = function(path, width = 11.69, height = 8.27, paper = "A4r", pointsize = 12, ...) {
    grDevices::pdf(path, width = as.numeric(width), height = as.numeric(height), paper = paper,
                   pointsize = as.numeric(pointsize), ...)
  }
)

drawing_types <- c(png = "image/png", svg = "image/svg+xml", svglite = "image/svg+xml",
                   pdf = "application/pdf")

# `paint` is called once with the device open; printed text is thrown away.
draw <- function(paint, format, name, options) {
  extension <- if (format == "svglite") "svg" else format
  bytes <- written(function(path) {
    do.call(devices[[format]], c(list(path), options))
    device <- grDevices::dev.cur()
    on.exit(if (device %in% grDevices::dev.list()) grDevices::dev.off(device))
    utils::capture.output(paint())
  }, paste0(".", extension))
  if (!length(bytes)) refuse("This call did not generate any plot. Make sure the function/object produces a graph.",
                              "no_graphics")
  list(body = bytes, type = unname(drawing_types[format]),
       file = if (format == "pdf") paste0(name, ".pdf"))
}
