/** What is known of the vendor's API document: routes, parameters, field names and types. No prose. */

/** A subset of OpenAPI 3.0 schemas; `ref` names another one. A field of an object with `properties` is one of them. */
export type SchemaFacts = {
  ref?: string;
  type?: string | readonly string[];
  format?: string;
  enum?: readonly unknown[];
  nullable?: true;
  pattern?: string;
  maxLength?: number;
  properties?: Readonly<Record<string, SchemaFacts>>;
  required?: readonly string[];
  items?: SchemaFacts;
  additionalProperties?: SchemaFacts;
};

export type RouteFacts = {
  path?: Readonly<Record<string, SchemaFacts>>;
  query?: Readonly<Record<string, SchemaFacts>>;
  requiredQuery?: readonly string[];
  body?: SchemaFacts;
  isBodyRequired?: true;
  /** By status: `200`, or `4xx` for a class. Null: no body. */
  responses: Readonly<Record<string, SchemaFacts | null>>;
};

export type ApiFacts = {
  /** Version of the document. */
  version: string;
  /** In front of every path. */
  basePath: string;
  /** By method and path: `GET /servers/{id}`. */
  routes: Readonly<Record<string, RouteFacts>>;
  schemas: Readonly<Record<string, SchemaFacts>>;
};
