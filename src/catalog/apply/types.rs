//! Enums, domains, composite types, ranges.

use std::sync::Arc;

use smol_str::SmolStr;

use super::{Applied, ApplyError};
use crate::{
    catalog::{
        Catalog,
        resolve::{missing, refused},
    },
    sql::*,
};

impl Catalog {
    pub(super) fn create_type(&mut self, written: &UserType) -> Applied {
        let name = self.place(&written.name, Persistence::Permanent)?;
        let shell = self.types.get(&name).is_some_and(|it| it.kind == TypeKind::Shell);
        if (self.types.contains_key(&name) && !shell)
            || self.tables.contains_key(&name)
            || self.views.contains_key(&name)
        {
            return Err(refused(format!("type {name} already exists")));
        }
        let kind = match &written.kind {
            TypeKind::Domain(domain) => TypeKind::Domain(self.complete_domain(&name, domain)?),
            TypeKind::Composite(attributes) => {
                let mut res = Vec::with_capacity(attributes.len());
                for it in attributes {
                    res.push(Attribute { ty: self.resolve_type(&it.ty)?, ..it.clone() });
                }
                TypeKind::Composite(res)
            }
            other => other.clone(),
        };
        let ty = UserType { name: name.clone(), kind, ..written.clone() };
        self.types.insert(name, Arc::new(ty));
        Ok(())
    }

    fn complete_domain(&self, name: &Name, written: &Domain) -> Result<Domain, ApplyError> {
        let mut res = Domain { base: self.resolve_type(&written.base)?, ..written.clone() };
        res.collation = res.collation.as_ref().and_then(|it| self.normal_collation(it));
        res.default = res.default.as_ref().and_then(|it| self.normal_default(it));
        let mut taken: Vec<Ident> = res.checks.iter().filter_map(|it| it.name.clone()).collect();
        for check in &mut res.checks {
            let chosen = check.name.take().unwrap_or_else(|| self.choose_constraint_name(name, None, "check", &taken));
            taken.push(chosen.clone());
            check.name = Some(chosen);
        }
        Ok(res)
    }

    /// The type, to be changed in place.
    fn type_mut(&mut self, name: &Name) -> Result<&mut UserType, ApplyError> {
        let found = self.find_type(name)?;
        self.types.get_mut(&found).map(Arc::make_mut).ok_or_else(|| missing("type", name))
    }

    fn enum_values(&mut self, name: &Name) -> Result<&mut Vec<SmolStr>, ApplyError> {
        match &mut self.type_mut(name)?.kind {
            TypeKind::Enum(values) => Ok(values),
            _ => Err(refused(format!("{name} is not an enum"))),
        }
    }

    pub(super) fn add_enum_value(
        &mut self,
        ty: &Name,
        value: &SmolStr,
        position: &EnumPosition,
        if_not_exists: bool,
    ) -> Applied {
        let values = self.enum_values(ty)?;
        if values.contains(value) {
            return super::exists_already("enum label", value, if_not_exists);
        }
        let place = |neighbour: &SmolStr| values.iter().position(|it| it == neighbour);
        let unknown = |it: &SmolStr| missing("enum label", format!("{it} of {ty}"));
        let at = match position {
            EnumPosition::End => values.len(),
            EnumPosition::Before(it) => place(it).ok_or_else(|| unknown(it))?,
            EnumPosition::After(it) => place(it).ok_or_else(|| unknown(it))? + 1,
        };
        values.insert(at, value.clone());
        Ok(())
    }

    pub(super) fn rename_enum_value(&mut self, ty: &Name, from: &SmolStr, to: &SmolStr) -> Applied {
        let values = self.enum_values(ty)?;
        if values.contains(to) {
            return super::exists_already("enum label", to, false);
        }
        match values.iter_mut().find(|it| *it == from) {
            Some(value) => *value = to.clone(),
            None => return Err(missing("enum label", format!("{from} of {ty}"))),
        }
        Ok(())
    }

    pub(super) fn alter_domain(&mut self, name: &Name, action: &DomainAction) -> Applied {
        let found = self.find_type(name)?;
        let default = match action {
            DomainAction::SetDefault(Some(default)) => self.normal_default(default),
            _ => None,
        };
        let chosen = match action {
            DomainAction::AddConstraint(Constraint { name: None, .. }) => {
                Some(self.choose_constraint_name(&found, None, "check", &self.domain_checks(&found)))
            }
            _ => None,
        };
        let rename = match action {
            DomainAction::RenameConstraint { from, to } => Some((from.clone(), to.clone())),
            _ => None,
        };
        let TypeKind::Domain(domain) = &mut self.type_mut(&found)?.kind else {
            return Err(refused(format!("{name} is not a domain")));
        };
        let at = |checks: &[Constraint], name: &Ident| checks.iter().position(|it| it.name.as_ref() == Some(name));
        let lacking = |name: &Ident| missing("constraint", format!("{name} of domain {found}"));
        match action {
            DomainAction::SetDefault(_) => domain.default = default,
            DomainAction::SetNotNull => domain.not_null = true,
            DomainAction::DropNotNull => domain.not_null = false,
            DomainAction::AddConstraint(it) if matches!(it.kind, ConstraintKind::NotNull(_)) => domain.not_null = true,
            DomainAction::AddConstraint(it) => {
                let name = it.name.clone().or(chosen);
                if domain.checks.iter().any(|it| it.name == name) {
                    return super::exists_already("constraint", name.unwrap_or_default(), false);
                }
                domain.checks.push(Constraint { name, ..it.clone() });
            }
            DomainAction::DropConstraint { name, if_exists } => match at(&domain.checks, name) {
                Some(at) => {
                    domain.checks.remove(at);
                }
                None if *if_exists => {}
                None => return Err(lacking(name)),
            },
            DomainAction::RenameConstraint { from, to } => {
                let check = domain.checks.iter_mut().find(|it| it.name.as_ref() == Some(from));
                check.ok_or_else(|| lacking(from))?.name = Some(to.clone());
            }
            DomainAction::ValidateConstraint(name) => {
                let check = domain.checks.iter_mut().find(|it| it.name.as_ref() == Some(name));
                check.ok_or_else(|| lacking(name))?.not_valid = false;
            }
        }
        if let DomainAction::DropConstraint { name, .. } = action {
            self.forget(|it| matches!(it, ObjectRef::DomainConstraint(domain, it) if *domain == found && it == name));
        }
        if let Some((from, to)) = rename {
            let (from, to) = (ObjectRef::DomainConstraint(found.clone(), from), ObjectRef::DomainConstraint(found, to));
            self.rekey(|it| (*it == from).then(|| to.clone()));
        }
        Ok(())
    }

    fn domain_checks(&self, domain: &Name) -> Vec<Ident> {
        match self.types.get(domain).map(|it| &it.kind) {
            Some(TypeKind::Domain(it)) => it.checks.iter().filter_map(|it| it.name.clone()).collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn alter_composite(&mut self, name: &Name, action: &CompositeAction) -> Applied {
        let ty = match action {
            CompositeAction::AddAttribute(it) => Some(self.resolve_type(&it.ty)?),
            CompositeAction::SetAttributeType { ty, .. } => Some(self.resolve_type(ty)?),
            _ => None,
        };
        let found = self.find_type(name)?;
        let TypeKind::Composite(attributes) = &mut self.type_mut(&found)?.kind else {
            return Err(refused(format!("{name} is not a composite type")));
        };
        let lacking = |it: &Ident| missing("attribute", format!("{it} of type {found}"));
        match (action, ty) {
            (CompositeAction::AddAttribute(it), Some(ty)) => {
                if attributes.iter().any(|own| own.name == it.name) {
                    return super::exists_already("attribute", &it.name, false);
                }
                attributes.push(Attribute { ty, ..it.clone() });
            }
            (CompositeAction::SetAttributeType { name, collation, .. }, Some(ty)) => {
                let own = attributes.iter_mut().find(|own| own.name == *name).ok_or_else(|| lacking(name))?;
                *own = Attribute { name: name.clone(), ty, collation: collation.clone() };
            }
            (CompositeAction::DropAttribute { name, if_exists }, _) => {
                let before = attributes.len();
                attributes.retain(|own| own.name != *name);
                if attributes.len() == before && !if_exists {
                    return Err(lacking(name));
                }
            }
            (CompositeAction::RenameAttribute { from, to }, _) => {
                let own = attributes.iter_mut().find(|own| own.name == *from).ok_or_else(|| lacking(from))?;
                own.name = to.clone();
            }
            _ => {}
        }
        Ok(())
    }
}
