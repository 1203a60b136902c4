# Writes data/anorexia.csv: the 72 patients of MASS, as a file to upload when trying calls over
# HTTP. The model itself reads them from MASS. From the project folder:
#   Rscript scripts/export_anorexia.R

utils::write.csv(MASS::anorexia, "data/anorexia.csv", row.names = FALSE, quote = FALSE)
cat(nrow(MASS::anorexia), "patients written to data/anorexia.csv\n")
