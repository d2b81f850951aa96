import { localTimes } from "./format.js";

localTimes(document);
