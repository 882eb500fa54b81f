//! Clean state: each incarnation is made anew.

use std::future::Future;
use std::marker::PhantomData;

use super::Source;
use crate::BoxError;
use crate::declare::{Begun, Makes, Uses};

/// Clean state: every incarnation is made by calling the function.
pub(crate) struct Evaluated<F, A, S, M> {
    make: F,
    types: PhantomData<fn(A) -> (S, M)>,
}

impl<F, S, M> Evaluated<F, (), S, M> {
    pub(crate) fn once_each(make: F) -> Self {
        Self { make, types: PhantomData }
    }
}

impl<F, S, M> Evaluated<F, (usize,), S, M> {
    pub(crate) fn by_index(make: F) -> Self {
        Self { make, types: PhantomData }
    }
}

impl<F, S: 'static, M: 'static> Source for Evaluated<F, (), S, M>
where
    F: Makes<S, (), M>,
{
    type Service = F::Made;

    fn make(&self, _index: usize) -> Begun<impl Future<Output = Result<F::Made, BoxError>> + Send> {
        self.make.make(())
    }
}

impl<F, S: 'static, M: 'static> Source for Evaluated<F, (usize,), S, M>
where
    F: Makes<S, (usize,), M>,
{
    type Service = F::Made;

    fn make(&self, index: usize) -> Begun<impl Future<Output = Result<F::Made, BoxError>> + Send> {
        self.make.make((index,))
    }
}

/// As [`Evaluated`], with the handles of what it uses, as they are when it is made.
pub(crate) struct Using<F, U, A, S, M> {
    make: F,
    uses: U,
    types: PhantomData<fn(A) -> (S, M)>,
}

impl<F, U, S, M> Using<F, U, (), S, M> {
    pub(crate) fn once_each(uses: U, make: F) -> Self {
        Self { make, uses, types: PhantomData }
    }
}

impl<F, U, S, M> Using<F, U, (usize,), S, M> {
    pub(crate) fn by_index(uses: U, make: F) -> Self {
        Self { make, uses, types: PhantomData }
    }
}

impl<F, U: Uses, S: 'static, M: 'static> Source for Using<F, U, (), S, M>
where
    F: Makes<S, (U::Handles,), M>,
{
    type Service = F::Made;

    fn make(&self, _index: usize) -> Begun<impl Future<Output = Result<F::Made, BoxError>> + Send> {
        Begun::or_failed(self.uses.take().map(|handles| self.make.make((handles,))))
    }
}

impl<F, U: Uses, S: 'static, M: 'static> Source for Using<F, U, (usize,), S, M>
where
    F: Makes<S, (usize, U::Handles), M>,
{
    type Service = F::Made;

    fn make(&self, index: usize) -> Begun<impl Future<Output = Result<F::Made, BoxError>> + Send> {
        Begun::or_failed(self.uses.take().map(|handles| self.make.make((index, handles))))
    }
}
