//! An outline as nested data: the feature `serde`.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::{Kind, Outline};

/// Every field is there in every node: `name` (none for an anonymous group), `docs`, `options` by name (the value of a
/// flag is empty), `strategy`, `decide` and `children` of a group, `expression`, `type`, `replicas` and `uses` of a child.
impl Serialize for Outline {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let decide = match self.kind {
            Kind::Group { decide, .. } => decide,
            Kind::Child { .. } => None,
        };
        let mut fields = serializer.serialize_struct("Outline", 10)?;
        fields.serialize_field("name", &self.name())?;
        fields.serialize_field("docs", self.docs())?;
        fields.serialize_field("options", &Options(*self))?;
        fields.serialize_field("strategy", &self.strategy())?;
        fields.serialize_field("decide", &decide)?;
        fields.serialize_field("expression", &self.expression())?;
        fields.serialize_field("type", &self.ty())?;
        fields.serialize_field("replicas", &self.replicas())?;
        fields.serialize_field("uses", self.uses())?;
        fields.serialize_field("children", &Children(self.children()))?;
        fields.end()
    }
}

struct Options(Outline);

impl Serialize for Options {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.options())
    }
}

/// A slice is serialized by `serde` itself only with its feature `std`.
struct Children(&'static [Outline]);

impl Serialize for Children {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;

    #[test]
    fn an_outline_is_nested_data() {
        const OUTLINE: Outline = Outline::group("Orders", "custom")
            .with_decide("decide")
            .with_docs("Takes orders.")
            .with_options(&[("max_restarts", "3")])
            .with_children(&[
                Outline::child("worker", "Worker::new")
                    .with_ty("Worker")
                    .with_replicas("4")
                    .with_uses(&["db"])
                    .with_options(&[("in_place", ""), ("restart", "transient")]),
                Outline::group("", "crashing"),
            ]);
        let expected = json!({
            "name": "Orders", "docs": "Takes orders.", "options": { "max_restarts": "3" },
            "strategy": "custom", "decide": "decide", "expression": null, "type": null, "replicas": null, "uses": [],
            "children": [
                {
                    "name": "worker", "docs": "", "options": { "in_place": "", "restart": "transient" },
                    "strategy": null, "decide": null,
                    "expression": "Worker::new", "type": "Worker", "replicas": "4", "uses": ["db"], "children": []
                },
                {
                    "name": null, "docs": "", "options": {}, "strategy": "crashing", "decide": null,
                    "expression": null, "type": null, "replicas": null, "uses": [], "children": []
                }
            ]
        });
        assert_eq!(to_value(OUTLINE).ok(), Some(expected));
    }
}
