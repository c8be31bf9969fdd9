import Foundation
import Normalizing
import Vocabulary

/// The JSON Schema of configurations (draft 2020-12), for editors that complete and check YAML.
///
/// It says which keys there are and what they hold; what goes together is said when a configuration is read.
package enum ConfigurationSchema {
  /// `settings` are the keys that a configuration may have besides those of its own.
  package static func text(settings: [String]) -> String {
    let root: [String: Any] = [
      "$schema": "https://json-schema.org/draft/2020-12/schema",
      "title": "A configuration of \(Product.name)",
      "type": "object", "required": ["inputs"], "additionalProperties": false,
      "properties": settings.reduce(into: own) { properties, key in
        properties[key] = [
          "description": "As --\(key.replacing("_", with: "-")) of import.", "anyOf": [reference("text"), list(of: "text")],
        ]
      },
      "$defs": definitions,
    ]
    // Objects of texts, numbers and lists are always JSON.
    let data = try! JSONSerialization.data(withJSONObject: root, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    return String(decoding: data, as: UTF8.self)
  }

  private static var own: [String: Any] {
    [
      "datafile": described("text", "The project's datafile, by path from this file's folder or by address."),
      "attributes": [
        "description": "Entity ids of custom attributes by key.", "type": "object", "additionalProperties": reference("text"),
      ],
      "inputs": [
        "description": "Files, and how their rows become records.", "type": "array", "minItems": 1, "items": reference("input"),
      ],
    ]
  }

  private static var definitions: [String: Any] {
    [
      "text": ["type": ["string", "number", "boolean"]],
      "mark": ["type": "string", "not": ["const": "none"]],
      "variable": ["type": "string", "pattern": "\\$\\{"],
      "input": object(
        [
          "files": [
            "description": "Files, folders and patterns; relative ones count from this file's folder.",
            "anyOf": [reference("text"), list(of: "text")],
          ],
          "record": ["description": "What every row is; without it the rows say it.", "enum": RecordKind.allCases.map(\.word)],
          "preset": ["description": "Rows of a known form, to begin with.", "enum": Presets.names],
          "format": ["description": "What the name or the first byte says otherwise.", "enum": InputFormat.allCases.map(\.rawValue)],
          "delimiter": described("mark", "What divides the cells of CSV."),
          "quote": ["type": "string", "description": "What quotes the cells of CSV, or none."],
          "comment": described("mark", "What begins a line of CSV that is passed over."),
          "header": [
            "description": "Whether the first row of CSV names the columns.",
            "anyOf": [["type": "boolean"], ["enum": ["true", "false"]], reference("variable")],
          ],
          "skip": [
            "description": "Lines of CSV to pass over before all else.",
            "anyOf": [
              ["type": "integer", "minimum": 0, "maximum": Limits.skippedLines], ["type": "string", "pattern": "^[0-9]+$"],
              reference("variable"),
            ],
          ],
          "encoding": ["enum": TextEncoding.allCases.map(\.rawValue)],
          "explode": described("text", "A list inside of rows, each element of which is a record."),
          "ignore": ["description": "Columns that no finding is to speak of.", "anyOf": [reference("text"), list(of: "text")]],
          "fields": object(Dictionary(uniqueKeysWithValues: Field.allCases.map { ($0.rawValue, reference("value") as Any) })),
          "tags": reference("named"), "properties": reference("named"), "attributes": reference("attributes"),
          "where": ["description": "What a row must be like to be taken.", "anyOf": [reference("conditions"), list(of: "conditions")]],
        ], required: ["files"]),
      "value": [
        "description": "A column, a path into JSON, or where a value comes from and what is done to it.",
        "anyOf": [reference("text"), object(source)],
      ],
      "typed": [
        "description": "A value, perhaps with its type.",
        "anyOf": [reference("text"), object(source.merging(["type": types]) { one, _ in one })],
      ],
      "attribute": [
        "description": "A value with its type and the attribute's entity id.",
        "anyOf": [reference("text"), object(source.merging(["type": types, "entity_id": reference("text")]) { one, _ in one })],
      ],
      "named": names(of: "typed"), "attributes": names(of: "attribute"),
      "whole": [
        "anyOf": [
          reference("text"),
          object(
            ["pairs": reference("text"), "name": reference("text"), "value": ["anyOf": [reference("text"), list(of: "text")]]],
            required: ["pairs", "name", "value"]),
          object(
            [
              "elements": reference("text"), "type": reference("text"), "entity_id": reference("text"), "key": reference("text"),
              "value": reference("text"), "entity_ids": ["enum": ["all", "custom"]], "where": reference("conditions"),
            ], required: ["elements", "value"]),
        ]
      ],
      "conditions": [
        "type": "object",
        "additionalProperties": [
          "anyOf": [
            reference("text"), list(of: "text"),
            object([
              "equals": reference("text"), "not": reference("text"), "in": ["anyOf": [reference("text"), list(of: "text")]],
              "not_in": ["anyOf": [reference("text"), list(of: "text")]], "empty": ["type": "boolean"],
              "less": ["type": ["number", "string"]],
              "at_most": ["type": ["number", "string"]], "greater": ["type": ["number", "string"]],
              "at_least": ["type": ["number", "string"]], "decimal": ["enum": NumberFormat.decimals],
              "group": ["enum": NumberFormat.groups],
            ]),
          ]
        ],
      ],
    ]
  }

  /// Where a value comes from and what is done to it.
  private static var source: [String: Any] {
    [
      "from": ["anyOf": [reference("text"), list(of: "value")]], "const": reference("text"), "first": list(of: "value"),
      "join": list(of: "value"),
      "separator": ["type": "string"], "sha256": reference("value"), "salt": reference("variable"),
      "lookup": ["anyOf": [reference("text"), ["type": "object", "additionalProperties": reference("text")]]],
      "columns": list(of: "text"),
      "otherwise": ["anyOf": [["enum": ["reject", "keep", "absent"]], object(["const": reference("text")], required: ["const"])]],
      "key": ["enum": ["event", "experiment", "campaign", "variation"]], "flag": reference("value"), "rule": reference("value"),
      "experiment": reference("value"),
      "format": ["type": "string", "examples": TimeFormat.named.map(\.name) + ["M/d/yyyy HH:mm:ss"]],
      "zone": ["type": "string", "examples": ["UTC", "Europe/Paris", "+02:00"]],
      "unit": ["enum": MoneyFormat.Unit.allCases.map(\.rawValue)], "exponent": ["type": "integer"],
      "rounding": ["enum": MoneyFormat.Rounding.allCases.map(\.rawValue)], "decimal": ["enum": NumberFormat.decimals],
      "group": ["enum": NumberFormat.groups],
      "text": [
        "anyOf": [
          ["enum": TextStep.allCases.map(\.rawValue)], ["type": "array", "items": ["enum": TextStep.allCases.map(\.rawValue)]],
        ]
      ],
    ]
  }

  private static var types: [String: Any] { ["enum": ValueType.allCases.map(\.rawValue)] }

  private static func names(of value: String) -> [String: Any] {
    [
      "description": "Names with their values; * takes whole objects and lists.", "type": "object",
      "properties": ["*": ["anyOf": [reference("whole"), list(of: "whole")]]], "additionalProperties": reference(value),
    ]
  }

  private static func reference(_ name: String) -> [String: Any] { ["$ref": "#/$defs/\(name)"] }

  private static func described(_ name: String, _ words: String) -> [String: Any] { ["$ref": "#/$defs/\(name)", "description": words] }

  private static func list(of name: String) -> [String: Any] { ["type": "array", "items": reference(name)] }

  private static func object(_ properties: [String: Any], required: [String] = []) -> [String: Any] {
    ["type": "object", "properties": properties, "required": required, "additionalProperties": false]
  }
}
