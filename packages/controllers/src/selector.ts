export { selectorProblem, selects } from "@machine-controller/api";
