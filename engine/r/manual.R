# Help pages of packages (OpenCPU R/httpget_package_man.R), from the pages that R keeps parsed. The
# project has none.

list_topics <- function(package) {
  path <- find_package(package)
  if (!file.exists(file.path(path, "help", paste0(package, ".rdx")))) return(character())
  names(tools:::fetchRdDB(file.path(path, "help", package)))
}

# The page that documents a topic: its own name, or that of the page whose alias it is.
find_topic <- function(package, topic) {
  if (topic %in% list_topics(package)) return(topic)
  aliases <- file.path(find_package(package), "help", "aliases.rds")
  known <- if (file.exists(aliases)) readRDS(aliases)
  if (topic %in% names(known)) return(known[[topic]])
  refuse(paste0("No documentation for '", topic, "' in specified packages and libraries:\n",
                "you could try '??", topic, "'"), "topic_not_found")
}

render_topic <- function(package, topic, format) {
  page <- tools:::fetchRdDB(file.path(find_package(package), "help", package), topic)
  convert <- function(writer, ...) {
    text <- utils::capture.output(writer(page, ..., outputEncoding = "UTF-8"))
    paste0(paste(text, collapse = "\n"), "\n")
  }
  switch(format,
    text = as_text(convert(tools::Rd2txt, package = package,
                           options = list(underline_titles = FALSE, code_quote = FALSE))),
    html = as_text(convert(tools::Rd2HTML, package = package), "text/html; charset=utf-8"),
    tex = as_text(convert(tools::Rd2latex)),
    pdf = render_topic_pdf(package, topic, page),
    refuse(paste0("Unknown man format: /", format))
  )
}

render_topic_pdf <- function(package, topic, page) {
  if (!nzchar(Sys.which("pdflatex"))) {
    refuse("Help pages as PDF need LaTeX, which is not installed on this server.", "no_latex")
  }
  old <- setwd(tempdir())
  on.exit(setwd(old))
  tools::Rd2latex(page, "page.tex", outputEncoding = "UTF-8")
  writeLines(c("\\nonstopmode", "\\documentclass[a4paper]{article}", "\\usepackage[utf8]{inputenc}",
               "\\usepackage{Rd}", "\\begin{document}", "\\input{page.tex}", "\\end{document}"),
             "manual.tex")
  tools::texi2pdf("manual.tex", quiet = TRUE)
  as_file(read_bytes("manual.pdf"), "application/pdf", paste0(topic, ".pdf"))
}
