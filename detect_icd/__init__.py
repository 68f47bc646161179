"""detect-icd: ICD-10-CM diagnoses found in clinical text, with proof, and linked to procedures."""
