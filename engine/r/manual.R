# Help pages of packages (OpenCPU R/httpget_package_man.R), from the pages that R keeps parsed. The
# project has none.

# From the index of the pages alone: to read them all takes half a second for the largest packages.
list_topics <- function(package) {
  index <- file.path(find_package(package), "help", paste0(package, ".rdx"))
  if (file.exists(index)) names(readRDS(index)$variables) else character()
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

# `place` is where an HTML page is read: "html" for the pages of R's old help server, which have
# links, else /man. `library_url`: see page_with_links().
render_topic <- function(package, topic, format, place = NULL, library_url = NULL) {
  known <- c("text", "html", "tex", "pdf")
  if (!format %in% known) refuse(paste0("Unknown man format: /", format))
  page <- tools:::fetchRdDB(file.path(find_package(package), "help", package), topic)
  switch(format,
    text = as_text(converted(tools::Rd2txt, page, package = package,
                             options = list(underline_titles = FALSE, code_quote = FALSE))),
    html = as_text(page_html(page, package, place, library_url), "text/html; charset=utf-8"),
    tex = as_text(converted(tools::Rd2latex, page)),
    pdf = as_file(page_pdf(page, package), "application/pdf", paste0(topic, ".pdf"))
  )
}

# What a writer of the package tools makes of a page; UTF-8, with a line end.
converted <- function(writer, page, ...) {
  bytes <- written(function(path) writer(page, out = path, ..., outputEncoding = "UTF-8"))
  text <- rawToChar(bytes)
  Encoding(text) <- "UTF-8"
  text
}

page_html <- function(page, package, place, library_url) {
  write <- function(...) {
    converted(tools::Rd2HTML, page, package = package, ..., stylesheet = "R.css")
  }
  if (!identical(place, "html")) return(page_without_links(write()))
  Sys.setenv("_R_HELP_LINKS_TO_TOPICS_" = "FALSE")   # links name pages, which are all here
  known <- tools::findHTMLlinks(find_package(package), level = 0:1)
  page_with_links(write(Links = known), package, library_url)
}

page_pdf <- function(page, package) {
  refuse_without_latex("Help pages as PDF need")
  quiet_latex()
  old <- setwd(tempdir())
  on.exit(setwd(old))
  writeLines(plain_figures(converted(tools::Rd2latex, page)), "page.tex", useBytes = TRUE)
  writeLines(page_frame, "manual.tex")
  figures <- file.path(find_package(package), "help", "figures")
  tools::texi2pdf("manual.tex", quiet = TRUE, texinputs = figures, index = FALSE)
  read_bytes("manual.pdf")
}

# Pictures without the options that are meant for HTML; those that LaTeX cannot read are left out.
plain_figures <- function(tex) {
  readable <- "[^{}]+\\.(?:png|jpe?g|pdf)"
  other <- paste0("\\\\Figure\\{(?!", readable, "\\})[^{}]*\\}\\{[^{}]*\\}")
  tex <- gsub(other, "", tex, perl = TRUE)
  gsub(paste0("(\\\\Figure\\{", readable, "\\})\\{[^{}]*\\}"), "\\1{}", tex, perl = TRUE)
}

# R's own style, with fonts that the smaller LaTeX packages have. A letter that these fonts lack is
# a question mark instead of an error, and no picture is wider than the text.
page_frame <- c(
  "\\documentclass[a4paper]{article}", "\\usepackage[utf8]{inputenc}",
  "\\usepackage[times,hyper]{Rd}", "\\usepackage{graphicx}",
  "\\makeatletter", "\\def\\UTFviii@undefined@err#1{?}",
  "\\def\\fitting{\\ifdim\\Gin@nat@width>\\linewidth\\linewidth\\else\\Gin@nat@width\\fi}",
  "\\setkeys{Gin}{width=\\fitting}", "\\makeatother",
  "\\begin{document}", "\\input{page.tex}", "\\end{document}"
)
