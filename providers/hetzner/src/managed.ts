/** Mark of the resources beside servers that belong to the controller: only these does it ever delete. */
export const LABEL_MANAGED = "managed-by";
export const MANAGED_BY = "machine-controller";
