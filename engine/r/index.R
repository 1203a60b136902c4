# The index of a package's help pages, where R has not written one: the packages of R itself on some
# systems, and the project, which has no pages.

render_index <- function(package) {
  path <- find_package(package)
  title <- utils::packageDescription(package, lib.loc = dirname(path), fields = "Title")
  meta <- file.path(path, "Meta", "Rd.rds")
  rows <- if (file.exists(meta)) index_rows(readRDS(meta))
  page <- c(
    "<!DOCTYPE html>", "<html><head>", sprintf("<title>R: %s</title>", escaped(title)),
    "<meta charset=\"utf-8\">", "<link rel=\"stylesheet\" type=\"text/css\" href=\"R.css\">",
    "</head><body>", sprintf("<h1>%s</h1>", escaped(title)),
    sprintf("<h2>Help pages of package %s</h2>", escaped(package)),
    if (length(rows)) c("<table>", rows, "</table>") else "<p>It has none.</p>",
    "</body></html>"
  )
  as_text(paste0(paste(page, collapse = "\n"), "\n"), "text/html; charset=utf-8")
}

# A row an alias, in alphabetical order, as in R's own index.
index_rows <- function(pages) {
  times <- lengths(pages$Aliases)
  aliases <- unlist(pages$Aliases)
  names <- rep(sub("\\.[Rr]d$", "", pages$File), times)
  titles <- rep(pages$Title, times)
  urls <- vapply(names, utils::URLencode, "", reserved = TRUE)
  rows <- sprintf("<tr><td><a href=\"%s.html\">%s</a></td><td>%s</td></tr>",
                  urls, escaped(aliases), escaped(titles))
  rows[order(tolower(aliases), aliases)]
}

escaped <- function(text) {
  text <- gsub("&", "&amp;", clean(text), fixed = TRUE)
  text <- gsub("<", "&lt;", text, fixed = TRUE)
  gsub(">", "&gt;", text, fixed = TRUE)
}
